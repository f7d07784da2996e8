package gateway

import (
	"fmt"

	"github.com/baton-project/baton/internal/conf"
)

// largestTempFile is max_temp_file_size of those who do not say.
const largestTempFile = 1 << 30

// mergeSizes inherits the sizes that depend on each other, and holds them
// against nginx's rules.
func (s *Settings) mergeSizes(prefix string, outer *Settings) error {
	if s.Buffers.V.Num < 2 {
		return mergeError(`there must be at least 2 "%sbuffers"`, prefix)
	}
	size := max(s.BufferSize.V, s.Buffers.V.Size)
	inheritSize(&s.BusySize, outer.BusySize, 2*size)
	if s.BusySize.V < size {
		return mergeError(`"%[1]sbusy_buffers_size" must be equal to or greater than the maximum of the value of `+
			`"%[1]sbuffer_size" and one of the "%[1]sbuffers"`, prefix)
	}
	if s.BusySize.V > int64(s.Buffers.V.Num-1)*s.Buffers.V.Size {
		return mergeError(`"%[1]sbusy_buffers_size" must be less than the size of all "%[1]sbuffers" minus one buffer`, prefix)
	}
	inheritSize(&s.TempWriteSize, outer.TempWriteSize, 2*size)
	if s.TempWriteSize.V < size {
		return mergeError(`"%[1]stemp_file_write_size" must be equal to or greater than the maximum of the value of `+
			`"%[1]sbuffer_size" and one of the "%[1]sbuffers"`, prefix)
	}
	inheritSize(&s.MaxTempSize, outer.MaxTempSize, largestTempFile)
	if s.MaxTempSize.V != 0 && s.MaxTempSize.V < size {
		return mergeError(`"%[1]smax_temp_file_size" must be equal to zero to disable temporary files usage or must be equal to `+
			`or greater than the maximum of the value of "%[1]sbuffer_size" and one of the "%[1]sbuffers"`, prefix)
	}
	return nil
}

// inheritSize is Inherit for a size whose default depends on the level: only what
// a directive says is inherited.
func inheritSize(s *conf.Setting[int64], outer conf.Setting[int64], def int64) {
	if s.IsSet() {
		return
	}
	if outer.IsSet() {
		*s = outer
		return
	}
	s.V = def
}

// mergeError is an error that belongs to no directive.
func mergeError(format string, args ...any) error {
	return &conf.Error{Msg: fmt.Sprintf(format, args...), Merging: true}
}
