-- The same with a process for each file.
TrisulPlugin = {
  id = { name = "sha1sum", description = "SHA-1 of every file by the program sha1sum" },

  filex_monitor = {
    onfile_http = function(engine, timestamp, flow, path, request, response, length)
      local id = flow:id()
      T.async:schedule({
        data = path,
        onexecute = function(file)
          local h = io.popen("sha1sum " .. file)
          local line = h:read("*a")
          h:close()
          return line:match("%x+")
        end,
        onresult = function(engine, file, sha1)
          engine:add_resource("{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}", id, "SHA1:" .. sha1, file)
        end,
      })
    end,
  },
}
