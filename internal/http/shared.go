package http

import "reflect"

// Shared is what a feature has once for the whole http{} block, such as a pool
// that all its locations use: the same *T for every builder of the block, zero
// at first. T is a type of the feature's own.
func Shared[T any](b *Builder) *T {
	key := reflect.TypeFor[T]()
	if known, ok := b.main.shared[key]; ok {
		return known.(*T)
	}
	made := new(T)
	b.main.shared[key] = made
	return made
}
