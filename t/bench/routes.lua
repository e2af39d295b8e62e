-- SPDX-License-Identifier: BSD-2-Clause
-- For wrk: all routes that routes_ini in t/bench/common.sh wrote, in an order
-- no cache can guess.  The URL's path says how many there are.
init = function()
   local n = tonumber(wrk.path:sub(2))
   all, at, count = {}, 0, n
   for i = 0, n - 1 do
      local path = i % 2 == 0 and "/static/" .. i .. "/list"
                              or "/user" .. i .. "/42/posts"
      all[i + 1] = wrk.format(nil, path)
   end
end

request = function()
   at = (at + 7919) % count
   return all[at + 1]
end
