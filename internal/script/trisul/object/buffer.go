package object

import (
	"context"
	"fmt"

	"eddy/internal/offpath/fileio"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// bufferFuncs is what buffer objects ask for beside their bytes.
func bufferFuncs() lib.Funcs {
	return lib.Funcs{
		// buffer_append(handle, span, file)
		"buffer_append": func(c *vm.Call) error {
			data, err := Data(c, 1)
			if err != nil {
				return err
			}
			file, err := lib.Text(c, 3, "buffer:appendtofile", 1)
			if err != nil {
				return err
			}
			return c.Wait(func(context.Context) vm.Resume { return vm.Resume{Err: fileio.Append(file, data)} })
		},
		// buffer_write(handle, span, file, offset)
		"buffer_write": func(c *vm.Call) error {
			data, err := Data(c, 1)
			if err != nil {
				return err
			}
			file, err := lib.Text(c, 3, "buffer:writetofile", 1)
			if err != nil {
				return err
			}
			at, ok := c.Int(4)
			if !ok {
				return fmt.Errorf("buffer:writetofile: argument 2 must be an offset in bytes, not %s", c.Kind(4))
			}
			return c.Wait(func(context.Context) vm.Resume { return vm.Resume{Err: fileio.WriteAt(file, data, at)} })
		},
	}
}
