// Package http is the core of the HTTP server: it turns the http{} block of a
// configuration into servers, locations and pipelines of handlers, and serves
// connections by them.
//
// Nothing in here knows a particular feature. A feature is a folder below this
// one that declares a [Feature] value: its directives, how its configuration
// merges from http{} over server{} to location{}, and which handlers and
// filters it adds where it is configured. The order of the features in
// internal/modules is the order in which phases and filters run.
//
// Rooms of this package:
//
//	feature.go, builder.go       what a feature is and how it joins
//	phase.go, engine.go          the phases of a request and what moves it on
//	request.go, response.go      one exchange, the same for every protocol
//	filter.go, send.go           head and body on their way out
//	variable.go, value.go, vars_*.go   "$name" and texts made of them
//	conf_*.go                    the core's own directives
//	build.go, server.go, location.go   the compiled http{} block
//	access.go, limitexcept.go    who may come in: satisfy, auth_delay, limit_except
//	special.go, errorpage.go, redirect.go   answers the server makes up itself
//	worker.go, conn.go, readhead.go, exchange.go, write.go, body.go
//	                             HTTP/1 connections on the reactor
package http
