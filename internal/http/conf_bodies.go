package http

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// bodyConf says how request bodies are read.
type bodyConf struct {
	MaxSize    conf.Setting[int64] // bytes, 0: no limit
	BufferSize conf.Setting[int64]
	Timeout    conf.Setting[time.Duration]
	TempPath   conf.Setting[TempPath]
	InFileOnly conf.Setting[bodyFile]
	Single     conf.Setting[bool]
}

// bodyFile is client_body_in_file_only.
type bodyFile uint8

const (
	bodyFileOff   bodyFile = iota // only bodies that are too large for memory
	bodyFileOn                    // the file stays
	bodyFileClean                 // the file goes with the request
)

var bodyFeature = conf.Feature[bodyConf]{
	Name: "http_body",
	Doc:  "How bodies of requests are read and limited.",
	Table: conf.Table[bodyConf]{
		{Name: "client_max_body_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "1m",
			Set: conf.Offset(func(c *bodyConf) *conf.Setting[int64] { return &c.MaxSize })},
		{Name: "client_body_buffer_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "8k|16k",
			Set: conf.Size(func(c *bodyConf) *conf.Setting[int64] { return &c.BufferSize })},
		{Name: "client_body_timeout", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "60s",
			Set: conf.Msec(func(c *bodyConf) *conf.Setting[time.Duration] { return &c.Timeout })},
		{Name: "client_body_temp_path", In: conf.AnyLevel, Args: conf.Take1234, Set: (*bodyConf).setTempPath,
			Syntax: "path [level1 [level2 [level3]]]", Default: "client_body_temp"},
		{Name: "client_body_in_file_only", In: conf.AnyLevel, Args: conf.Take1, Syntax: "on | clean | off", Default: "off",
			Set: conf.Enum([]conf.Choice[bodyFile]{{Word: "off", V: bodyFileOff}, {Word: "on", V: bodyFileOn}, {Word: "clean", V: bodyFileClean}},
				func(c *bodyConf) *conf.Setting[bodyFile] { return &c.InFileOnly })},
		{Name: "client_body_in_single_buffer", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *bodyConf) *conf.Setting[bool] { return &c.Single }),
			Accepted: "A body in memory is always in one buffer."},
	},
	Merge: func(c, outer *bodyConf) error {
		c.MaxSize.Inherit(outer.MaxSize, 1<<20)
		c.BufferSize.Inherit(outer.BufferSize, 16<<10)
		c.Timeout.Inherit(outer.Timeout, time.Minute)
		c.TempPath.Inherit(outer.TempPath, TempPath{folder: "client_body_temp"})
		c.InFileOnly.Inherit(outer.InFileOnly, bodyFileOff)
		c.Single.Inherit(outer.Single, false)
		return nil
	},
}

func (c *bodyConf) setTempPath(d *conf.Directive) error {
	if c.TempPath.IsSet() {
		return conf.ErrDuplicate
	}
	path, err := ParseTempPath(d)
	if err != nil {
		return err
	}
	return c.TempPath.Set(path)
}
