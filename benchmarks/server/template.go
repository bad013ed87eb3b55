package main

import (
	"embed"
	"regexp"
	"slices"
	"strings"
)

//go:embed templates
var templates embed.FS

// template is a text with fields, $NAME, that is filled in by copying alone.
type template struct {
	pieces []string
	fields []int // between the pieces: indices of the values
}

var field = regexp.MustCompile(`\$[A-Z_]+`)

// load reads a template whose fields have these names, in any order and number.
func load(file string, names ...string) template {
	text, err := templates.ReadFile("templates/" + file)
	check(err)
	return parse(strings.TrimSuffix(string(text), "\n"), names...)
}

func parse(text string, names ...string) template {
	var t template
	for _, name := range field.FindAllString(text, -1) {
		index := slices.Index(names, name[1:])
		if index < 0 {
			panic("no value for " + name)
		}
		t.fields = append(t.fields, index)
	}
	t.pieces = field.Split(text, -1)
	return t
}

func (t template) append(to []byte, values ...string) []byte {
	for i, index := range t.fields {
		to = append(to, t.pieces[i]...)
		to = append(to, values[index]...)
	}
	return append(to, t.pieces[len(t.fields)]...)
}
