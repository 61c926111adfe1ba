-- Prints the SHA-1 of every file that goes over HTTP, and logs it as a resource.
--
-- Reading a file may take a while, so a worker does it: the packets go on meanwhile.

local FILE_HASHES = "{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}"

TrisulPlugin = {

  id = { name = "Hash files", description = "SHA-1 of files that go over HTTP" },

  request_async_workers = 2,

  filex_monitor = {

    onfile_http = function(engine, timestamp, flowkey, path, req_header, resp_header, length, is_chunk)
      if is_chunk then return end -- a part of a large file; the whole comes too
      local flow = flowkey:id()
      local url = "http://" .. (req_header:get_value("Host") or "?") .. req_header:get_path()

      T.async:schedule {
        data = path,

        onexecute = function(file) -- on a worker
          return T.util.filehash(file, "sha1")
        end,

        onresult = function(engine, file, sha1) -- back on the engine that asked
          print(sha1, length, url)
          engine:add_resource(FILE_HASHES, flow, sha1, url)
        end,
      }
    end,
  },
}
