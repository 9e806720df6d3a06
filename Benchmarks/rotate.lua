-- wrk: one POST after the other from the file REQUESTS, a "PATH<TAB>TOKEN" a line; no token: no field.
-- There is no response(): for it wrk would make a table of each answer's fields, on the cores that are measured.
local requests = {}
local position = 0

function init(_)
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
