// A tus server for tests: tusd's own handler and file store, on a free port of loopback.
//
// Prints its URL and serves until its standard input ends. With -resumable it speaks the IETF draft
// as well, by Upload-Draft-Interop-Version.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
)

func main() {
	resumable := flag.Bool("resumable", false, "speak the IETF draft")
	limit := flag.Int64("limit", 0, "the largest upload in bytes, 0 for none")
	flag.Parse()
	composer := handler.NewStoreComposer()
	filestore.New(flag.Arg(0)).UseIn(composer)
	memorylocker.New().UseIn(composer)
	tus, err := handler.NewHandler(handler.Config{
		BasePath:                   "/files/",
		StoreComposer:              composer,
		MaxSize:                    *limit,
		EnableExperimentalProtocol: *resumable,
	})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/files/", http.StripPrefix("/files/", tus))
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	fmt.Printf("http://%s/files/\n", listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
