// Package conf reads nginx.conf: it turns text into a tree whose every word
// knows its file and line, checks the tree against the directive tables that
// the features bring, and gives each feature its own typed settings, inherited
// from level to level as nginx does.
//
// A feature describes itself with a [Feature] and its [Table]; [Register] puts
// it into a [Registry]. [Parse] then reads the files in the order nginx would,
// calls the Set function of each directive where it stands, and in the end
// merges the levels from the outermost to the innermost. Whatever no table
// knows is an error; nothing is skipped.
//
// Sentences are nginx's own, because people and their scripts know them, with
// the file and the line that nginx names: the one where the directive's ";" or
// "{" stands.
package conf
