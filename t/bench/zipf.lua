-- SPDX-License-Identifier: BSD-2-Clause
-- zipf.lua - wrk asks for /zipf/0 to /zipf/9999, the nth most popular 1/n as
-- often as the first.

local files = 10000
local sums, total = {}, 0
for i = 1, files do
    total = total + 1 / i
    sums[i] = total
end

local requests = {}
init = function()
    for i = 1, files do
        -- which is popular has nothing to do with how it is called
        requests[i] = wrk.format("GET", "/zipf/" .. (i * 7919) % files)
    end
    math.randomseed(1)
end

request = function()
    local at, low, high = math.random() * total, 1, files
    while low < high do
        local mid = math.floor((low + high) / 2)
        if sums[mid] < at then low = mid + 1 else high = mid end
    end
    return requests[low]
end
