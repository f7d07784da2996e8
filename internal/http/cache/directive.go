package cache

import (
	"math"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// Parse reads proxy_cache_path and its like. tag is what the zone is for: those of
// one module are not another's.
func Parse(d *conf.Directive, tag string) (*Cache, zone.Spec, error) {
	dir := d.Args[0]
	if len(dir) > 1 {
		dir = strings.TrimSuffix(dir, "/")
	}
	pace := Pace{Files: 100, Threshold: 200 * time.Millisecond, Sleep: 50 * time.Millisecond}
	c := &Cache{Dir: d.Tree().FullName(dir), UseTempPath: true, Inactive: 10 * time.Minute, MaxSize: math.MaxInt64, Manager: pace, Loader: pace}
	spec := zone.Spec{Tag: tag}
	for _, arg := range d.Args[1:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || !c.set(name, value, &spec) {
			if err := refused(d, arg, name, value, ok); err != nil {
				return nil, spec, err
			}
		}
	}
	if spec.Name == "" {
		return nil, spec, d.Errorf(`"%s" must have "keys_zone" parameter`, d.Name)
	}
	c.Name = spec.Name
	spec.Key = c.Dir + " " + strings.Join(levelWords(c.Levels), ":")
	return c, spec, nil
}

// set takes in one parameter; it reports false when the value is bad or the name
// not known.
func (c *Cache) set(name, value string, spec *zone.Spec) bool {
	var err error
	switch name {
	case "levels":
		return c.setLevels(value)
	case "use_temp_path":
		c.UseTempPath = value == "on"
		return value == "on" || value == "off"
	case "keys_zone":
		spec.Name, spec.Size, err = zoneOf(value)
	case "inactive":
		c.Inactive, err = conf.ParseSec(value)
	case "max_size":
		c.MaxSize, err = conf.ParseOffset(value)
	case "min_free":
		c.MinFree, err = conf.ParseOffset(value)
	case "loader_files":
		c.Loader.Files, err = number(value)
	case "loader_sleep":
		c.Loader.Sleep, err = conf.ParseMsec(value)
	case "loader_threshold":
		c.Loader.Threshold, err = conf.ParseMsec(value)
	case "manager_files":
		c.Manager.Files, err = number(value)
	case "manager_sleep":
		c.Manager.Sleep, err = conf.ParseMsec(value)
	case "manager_threshold":
		c.Manager.Threshold, err = conf.ParseMsec(value)
	default:
		return false
	}
	return err == nil
}

// refused is the sentence for a parameter that set has not taken.
func refused(d *conf.Directive, arg, name, value string, ok bool) error {
	if !ok {
		return d.Errorf(`invalid parameter "%s"`, arg)
	}
	switch name {
	case "levels":
		return d.Errorf(`invalid "levels" "%s"`, arg)
	case "use_temp_path":
		return d.Errorf(`invalid use_temp_path value "%s", it must be "on" or "off"`, arg)
	case "keys_zone":
		if _, _, err := zoneOf(value); err == errSmall {
			return d.Errorf(`keys zone "%s" is too small`, arg)
		}
		return d.Errorf(`invalid keys zone size "%s"`, arg)
	case "inactive", "max_size", "min_free", "loader_files", "loader_sleep", "loader_threshold",
		"manager_files", "manager_sleep", "manager_threshold":
		return d.Errorf(`invalid %s value "%s"`, name, arg)
	case "purger", "purger_files", "purger_sleep", "purger_threshold":
		return d.Errorf(`"%s" is not supported`, arg)
	}
	return d.Errorf(`invalid parameter "%s"`, arg)
}

// errSmall is a zone that has no room for anything.
const errSmall = smallZone("keys zone is too small")

type smallZone string

func (e smallZone) Error() string { return string(e) }

// zoneOf reads "name:size". A table needs some more pages than nginx's.
func zoneOf(value string) (name string, size int64, err error) {
	name, text, ok := strings.Cut(value, ":")
	if !ok {
		return "", 0, conf.ErrInvalidValue
	}
	size, err = conf.ParseSize(text)
	switch {
	case err != nil || size > zone.MaxSize:
		return "", 0, conf.ErrInvalidValue
	case size < 2*4096:
		return "", 0, errSmall
	}
	return name, max(size, smallestTable), nil
}

func number(value string) (int, error) {
	n, err := conf.ParseNumber(value)
	if n > math.MaxInt32 {
		n = math.MaxInt32
	}
	return max(int(n), 1), err
}

// setLevels reads "1:2".
func (c *Cache) setLevels(value string) bool {
	c.Levels = nil
	parts := strings.Split(value, ":")
	if len(parts) > 3 {
		return false
	}
	for _, part := range parts {
		if part != "1" && part != "2" {
			return false
		}
		c.Levels = append(c.Levels, int(part[0]-'0'))
	}
	return true
}

func levelWords(levels []int) (words []string) {
	for _, n := range levels {
		words = append(words, string(rune('0'+n)))
	}
	return words
}
