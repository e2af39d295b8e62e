-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk: 16 requests in one send.
init = function()
   local one = {}
   for i = 1, 16 do one[i] = wrk.format() end
   batch = table.concat(one)
end

request = function() return batch end
