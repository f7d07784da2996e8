// Package core has the directives that stand outside http{} and stream{}: the
// process (daemon, user, pid, worker_...), the main error_log, and events{}.
//
// [Register] brings them into a registry, and [New] turns a tree into plain
// [Settings], which package server hands to the process engine.
package core
