package cycle

import (
	"fmt"

	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// makeFolders makes the folders for temporary files, and gives them to the
// workers' user, whose files are in them.
func (p *Plan) makeFolders() error {
	if p.HTTP == nil {
		return nil
	}
	for _, folder := range p.HTTP.TempFolders() {
		if err := unix.Mkdir(folder, 0o700); err != nil && err != unix.EEXIST {
			return log.Failed(fmt.Sprintf(`mkdir() "%s"`, folder), err)
		}
		if p.Settings.User == nil {
			continue
		}
		if err := giveFolder(folder, p.Settings.User.UID); err != nil {
			return err
		}
	}
	return nil
}

// giveFolder makes folder uid's, who may then do everything in it.
func giveFolder(folder string, uid int) error {
	var st unix.Stat_t
	if err := unix.Stat(folder, &st); err != nil {
		return log.Failed(fmt.Sprintf(`stat() "%s"`, folder), err)
	}
	if int(st.Uid) != uid {
		if err := unix.Chown(folder, uid, -1); err != nil {
			return log.Failed(fmt.Sprintf(`chown("%s", %d)`, folder, uid), err)
		}
	}
	if st.Mode&unix.S_IRWXU != unix.S_IRWXU {
		if err := unix.Chmod(folder, st.Mode&0o7777|unix.S_IRWXU); err != nil {
			return log.Failed(fmt.Sprintf(`chmod() "%s"`, folder), err)
		}
	}
	return nil
}
