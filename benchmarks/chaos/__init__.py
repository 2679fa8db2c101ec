"""The server under everything at once, over the stand-in for the CLI, and whether all that it said was true.

    python -m benchmarks.chaos --minutes N [--seed S]

A real `ccproxy-trio serve` gets requests of all three APIs from two keys, one of them with limits. Meanwhile prompts
ask their instance to fail in every way it can, instances are killed and stopped from outside, starts fail, clients
leave, read slowly, talk nonsense, and come in floods. At the end it must have told each request exactly one truth,
its counters must add up, nothing may be left over, and it must still serve, and then stop in order.

* `numbers`: how the server is set up; `server`: it, as a child process.
* `drawing`: requests at random, of what `faults` and `mistakes` list, each with what may truly become of it.
* `speech`, `client`, `hearing`: how they are said in each API, sent, and what is heard; `load`: by whom.
* `trouble`: what befalls instances from outside.
* `truths`, `verdict`: what the load and the trouble may do to any request, and what became of each.
* `tally`, `accounts`: the sums, and whether they come out; `report`: what is told of them.

What is drawn depends on the seed alone; what meets what depends on the machine, too.
"""
