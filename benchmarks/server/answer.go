package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

const (
	protobufType   = "application/vnd.kubernetes.protobuf"
	compressedFrom = 128 << 10 // bytes: kube-apiserver compresses nothing smaller
	compression    = 1         // and this is the level that it compresses with
	piece          = 32 << 10  // bytes: what its proxy to metrics-server copies at a time
)

// answer is a body in every form that somebody may ask for.
type answer struct {
	json, protobuf body
}

type body struct {
	plain, gzipped []byte // gzipped is empty where there is no such form
}

// prepare encodes an object of the API as the API server does.
func (o *options) prepare(kind string, apiVersion string, object interface{ Marshal() ([]byte, error) }) answer {
	text, err := json.Marshal(object)
	check(err)
	raw, err := object.Marshal()
	check(err)
	wrapped, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: apiVersion, Kind: kind}, Raw: raw}).Marshal()
	check(err)
	return answer{o.compressed(text), o.compressed(append([]byte("k8s\x00"), wrapped...))}
}

func (o *options) compressed(plain []byte) body {
	if !o.gzip || len(plain) <= compressedFrom {
		return body{plain: plain}
	}
	var buffer bytes.Buffer
	writer, err := gzip.NewWriterLevel(&buffer, compression)
	check(err)
	_, err = writer.Write(plain)
	check(err)
	check(writer.Close())
	return body{plain, buffer.Bytes()}
}

// send gives the form that the request asks for.
func (a answer) send(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	chosen := a.json
	header.Set("Content-Type", "application/json")
	if len(a.protobuf.plain) > 0 && strings.HasPrefix(r.Header.Get("Accept"), protobufType) {
		chosen = a.protobuf
		header.Set("Content-Type", protobufType)
	}
	chosen.send(w, r)
}

func (b body) send(w http.ResponseWriter, r *http.Request) {
	if len(b.gzipped) > 0 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		write(w, b.gzipped)
		return
	}
	write(w, b.plain)
}

// write sends large bodies in chunks, as they come in life: of unknown length, and none of them as a whole.
func write(w http.ResponseWriter, body []byte) {
	for chunk := range slices.Chunk(body, piece) {
		if _, err := w.Write(chunk); err != nil {
			return // a client that has gone is no concern of ours
		}
	}
}
