# A Go program: goroutines on several threads, the concurrent collector, preemption by signals.
# set: large
# seconds: 1800
export GOPATH=$HOME/go GOCACHE=$HOME/cache GOFLAGS=-mod=mod GO111MODULE=off CGO_ENABLED=0 GOTOOLCHAIN=local GOPROXY=off
cat >t.go <<'END'
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type node struct{ l, r *node }

func tree(d int) *node {
	if d == 0 {
		return &node{}
	}
	return &node{tree(d - 1), tree(d - 1)}
}
func (n *node) count() int {
	if n.l == nil {
		return 1
	}
	return 1 + n.l.count() + n.r.count()
}

func main() {
	runtime.GOMAXPROCS(4)
	var wg sync.WaitGroup
	var total int64
	for g := 0; g < 50; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			for i := 0; i < 20; i++ {
				atomic.AddInt64(&total, int64(tree(8).count()))
				runtime.Gosched()
			}
		}(g)
	}
	wg.Wait()
	fmt.Println("trees", total)
	var spin int64
	stop := make(chan bool)
	for i := 0; i < 4; i++ {
		go func() {
			for x := 0; ; x++ {
				if atomic.LoadInt64(&spin) != 0 {
					stop <- true
					return
				}
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	atomic.StoreInt64(&spin, 1)
	for i := 0; i < 4; i++ {
		<-stop
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	results := make(chan string)
	for i := 0; i < 10; i++ {
		go func(i int) {
			c, _ := net.Dial("tcp", l.Addr().String())
			fmt.Fprintf(c, "hello %d", i)
			c.(*net.TCPConn).CloseWrite()
			b, _ := io.ReadAll(c)
			results <- string(b)
		}(i)
	}
	var got []string
	for i := 0; i < 10; i++ {
		got = append(got, <-results)
	}
	sort.Strings(got)
	fmt.Println(strings.Join(got, ","))
	fmt.Printf("%x\n", sha256.Sum256([]byte(strings.Repeat("x", 1<<20))))
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var p *node
		fmt.Println(p.l)
	}()
	s := make(chan os.Signal, 1)
	signal.Notify(s, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-s)
	m := map[string]int{}
	for i := 0; i < 100000; i++ {
		m[fmt.Sprint(i%1000)] += i
	}
	fmt.Println(len(m), m["7"], 1.0/3)
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timer")
	}
}
END
go version | cut -d' ' -f1,2; gofmt -l t.go; go build -o t t.go && ./t
