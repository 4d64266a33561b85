package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// inside runs f on a thread that has entered the network namespace at path; "-" is the one we started in.
// A socket belongs for good to the namespace of the thread that made it.
func inside(path string, f func() error) error {
	if path == "-" {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends this thread with the goroutine
		namespace, err := os.Open(path)
		if err == nil {
			err = unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
			namespace.Close()
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// pass carries one connection to dialed address in its namespace, until both sides have ended it.
func pass(client net.Conn, namespace, address string) error {
	defer client.Close()
	var server net.Conn
	if err := inside(namespace, func() (err error) { server, err = net.Dial("tcp4", address); return }); err != nil {
		return err
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, server)
	return client.(*net.TCPConn).CloseWrite()
}

// forward carries TCP connections from one network namespace to another and prints the address it listens on (port 0:
// the kernel chooses one). A namespace is a path such as /proc/PID/ns/net.
func forward() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: forward NAMESPACE|- IP:PORT NAMESPACE|- IP:PORT")
		os.Exit(2)
	}
	from, listen, to, dial := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "forward:", err)
		os.Exit(1)
	}
	var listener net.Listener
	if err := inside(from, func() (err error) { listener, err = net.Listen("tcp4", listen); return }); err != nil {
		fail(err)
	}
	fmt.Println(listener.Addr())
	for {
		client, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go func() {
			if err := pass(client, to, dial); err != nil {
				fmt.Fprintln(os.Stderr, "forward:", err)
			}
		}()
	}
}
