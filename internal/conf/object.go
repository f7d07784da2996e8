package conf

import "sync"

// An Object is a file that is made into something, such as a certificate: once for each
// thing, however often it is named, and by whoever else has the same Object.
type Object struct {
	data []byte

	mu   sync.Mutex // guards made, and is held while it is made
	made map[string]any
}

// NewObject returns the object of a file that holds data.
func NewObject(data []byte) *Object { return &Object{data: data} }

// Data is what the file holds. It must not be written to.
func (o *Object) Data() []byte { return o.data }

// Make returns what make makes of the file. It may be kept under the name of its kind,
// unless keep is false or it is an error.
func (o *Object) Make(kind string, make func() (made any, keep bool, err error)) (any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.made[kind]; ok {
		return known, nil
	}
	made, keep, err := make()
	if err == nil && keep {
		if o.made == nil {
			o.made = map[string]any{}
		}
		o.made[kind] = made
	}
	return made, err
}

// An ObjectSource is a [Source] that keeps objects.
type ObjectSource interface {
	// ReadObject is ReadFile for a file that is made into something.
	ReadObject(path string) (*Object, error)
}

// ReadObject returns a file that the configuration names, as ReadFile does.
func (t *Tree) ReadObject(name string) (*Object, error) {
	if src, ok := t.src.(ObjectSource); ok {
		return src.ReadObject(name)
	}
	data, err := t.src.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return NewObject(data), nil
}
