// Package resolve asks name servers for addresses at run time: nginx's resolver.
// It is a stub: it follows CNAMEs but leaves recursion to the servers it asks.
//
//	resolver         127.0.0.1 [::1]:5353 valid=30s ipv6=off;
//	resolver_timeout 5s;
//
//	one asker   --Lookup-->  cache, else the query that runs already, else a new one
//	a query     A and AAAA side by side; next server after 5 s; TCP when truncated
//
// A query is a goroutine with sockets of its own, so every one comes from another
// random port; it ends with its answer, with the last asker, or with the Resolver.
// What is remembered, and how many queries run, is bounded.
//
// Behaviour and sentences are those of nginx's ngx_resolver.c.
package resolve
