package disk

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// DamagedError says that the files of a store are not what was written.
type DamagedError struct {
	Path string // the store's folder
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the jobs in %s are damaged: %v. To go on without them, move that folder away: the queue then begins empty, "+
		"and the jobs in it are lost, unless the folder can be brought back whole from a backup", e.Path, e.Err)
}

// Unwrap gives what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// InUseError says that another process has the store's folder, or another store of this process.
type InUseError struct {
	Path string
	PID  int // 0: not known
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("the jobs in %s are in use by %s: one process at a time can have them", e.Path, who)
}

var (
	errDamaged = errors.New("damaged")
	errLayout  = errors.New("can't be read")
)

func damaged(format string, args ...any) error { return damage{fmt.Errorf(format, args...)} }

// damage is an error that is errDamaged, without the word: DamagedError has it.
type damage struct{ error }

func (d damage) Unwrap() error { return d.error }

func (d damage) Is(target error) bool { return target == errDamaged }

// explain makes an error of the file system or of the database one that says what to do.
func (s *Store) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return &jobstore.FullError{Text: fmt.Sprintf("there is no room for the jobs in %s: %v", s.path, plain(err))}
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("the jobs in %s can't be written: %w. The folder must belong to the user that eddy runs as, on a file system that is not read-only", s.path, plain(err))
	case pebble.IsCorruptionError(err), errors.Is(err, errDamaged), errors.Is(err, job.ErrDamaged):
		return &DamagedError{s.path, plain(err)}
	}
	return fmt.Errorf("the jobs in %s: %w", s.path, plain(err))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// plain gives the error without the stack that the database's have.
func plain(err error) error { return plainError{err} }

type plainError struct{ error }

func (e plainError) Unwrap() error { return e.error }
