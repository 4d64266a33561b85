// Times robfig/cron. Usage: peer ZONE SECONDS < questions; see ../../run.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

func measure(budget time.Duration, batch int, call func(int)) float64 {
	call(batch)
	best := 0.0
	for deadline := time.Now().Add(budget); time.Now().Before(deadline); {
		start := time.Now()
		call(batch)
		ns := float64(time.Since(start).Nanoseconds()) / float64(batch)
		if best == 0 || ns < best {
			best = ns
		}
	}
	return best
}

func main() {
	zone, err := time.LoadLocation(os.Args[1])
	if err != nil {
		panic(err)
	}
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	budget := time.Duration(seconds * float64(time.Second))
	var instants []time.Time
	input := bufio.NewScanner(os.Stdin)
	input.Scan()
	for _, word := range strings.Fields(input.Text()) {
		value, _ := strconv.ParseInt(word, 10, 64)
		instants = append(instants, time.Unix(value, 0).In(zone))
	}
	last := time.Unix(2200000000, 0)
	for input.Scan() {
		fields := strings.Split(input.Text(), "\t")
		schedule, err := cron.ParseStandard(fields[0])
		if err != nil {
			fmt.Printf("robfig/cron\t%s\t-\t-\n", fields[0])
			continue
		}
		index := 0
		random := measure(budget, 256, func(n int) {
			for ; n > 0; n-- {
				schedule.Next(instants[index%len(instants)])
				index++
			}
		})
		at := instants[0]
		chained := measure(budget, 256, func(n int) {
			for ; n > 0; n-- {
				at = schedule.Next(at)
				if at.After(last) || at.IsZero() {
					at = instants[0]
				}
			}
		})
		fmt.Printf("robfig/cron\t%s\t%.1f\t%.1f\n", fields[0], random, chained)
	}
}
