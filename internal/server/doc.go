// Package server joins the rooms below it into baton: what the master builds
// from an nginx.conf, what a worker does with it, and what -t and -s do.
//
//	Site.Serve --> process.Program --Build--> cycle --Handout--> worker's Role
package server
