// Package bundle holds every byte that the master read while it loaded a
// configuration, so that workers read exactly the same.
//
// The master parses through a [Recorder], which goes to the disk once for each
// path. Its [Bundle] travels to the workers in a sealed memory file, and they
// parse through it without touching the disk: files may have changed since,
// and may be readable by root alone. A bundle holds private keys; it goes to
// nobody but a worker.
package bundle
