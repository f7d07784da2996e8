package http

// Context is the state that a feature keeps with r: the same *T for each call,
// zero at first, until r ends. T is a type of the feature's own. What subrequests
// share is kept with [Request.Main].
func Context[T any](r *Request) *T {
	if known := KnownContext[T](r); known != nil {
		return known
	}
	made := new(T)
	r.contexts = append(r.contexts, made)
	return made
}

// KnownContext is Context if that was called before, else nil.
func KnownContext[T any](r *Request) *T {
	for _, c := range r.contexts {
		if known, ok := c.(*T); ok {
			return known
		}
	}
	return nil
}
