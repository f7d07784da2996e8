// Package cache keeps answers of upstreams as files: it knows the files, where
// they lie, which of them there are, and which have to go. What may be kept, and
// for how long, is for package gateway to say.
//
//	path.go      a directory of files, as proxy_cache_path names it
//	header.go    what stands before the answer in a file: nginx's own format
//	vary.go      answers that differ by lines of the request
//	index.go, node.go   the table of files in shared memory
//	file.go      files are opened, written, and put into their place
//	manager.go, expire.go, loader.go   who removes files, and finds those that are there
//
// # The index
//
// A zone has a node for each file, and for each answer that somebody gets just
// now. It is only an index: a node may be missing while its file is there (the
// zone is new, and nobody has walked through the directory yet), and there while
// the file is not (somebody removed it). Both heal by themselves.
//
// One worker, the manager, removes what was not asked for any more and what is too
// much. It has a lease in the zone: when it ends, another worker takes its place.
// Whoever gets an answer marks its node with the process; the mark of a dead
// process counts for nothing.
//
// Names, sentences and the format are those of ngx_http_file_cache.c.
package cache
