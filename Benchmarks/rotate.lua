-- wrk: one POST after the other from the file REQUESTS, a "PATH<TAB>TOKEN" a line; no token: no field.
-- Answers other than 200 are counted: "refused N" on the last line.
local requests = {}
local position = 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(_)
    refused = 0
    for line in io.lines(os.getenv("REQUESTS")) do
        local path, token = line:match("^([^\t]*)\t(.*)$")
        local fields = {}
        if token ~= "" then fields["Authorization"] = "Bearer " .. token end
        table.insert(requests, wrk.format("POST", path, fields))
    end
end

function request()
    position = position % #requests + 1
    return requests[position]
end

function response(status)
    if status ~= 200 then refused = refused + 1 end
end

function done()
    local sum = 0
    for _, thread in ipairs(threads) do sum = sum + thread:get("refused") end
    print("refused " .. sum)
end
