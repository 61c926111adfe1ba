-- Every file is hashed off the packet path by a built-in function, and its hash becomes a resource.
TrisulPlugin = {
  id = { name = "filehash", description = "SHA-1 of every file by T.util.filehash" },

  filex_monitor = {
    onfile_http = function(engine, timestamp, flow, path, request, response, length)
      local id = flow:id()
      T.async:schedule({
        data = path,
        onexecute = function(file)
          return T.util.filehash(file, "sha1")
        end,
        onresult = function(engine, file, sha1)
          engine:add_resource("{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}", id, "SHA1:" .. sha1, file)
        end,
      })
    end,
  },
}
