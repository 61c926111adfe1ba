TrisulPlugin = { id = { name = "hello" } }
