package io.sluice.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Samples of one load on one path, as they are taken at one time. For one thread. */
final class Take {
  private final Load load;
  private final LoadClient client;
  private final Duration time;
  private final Distance distance;
  private final List<Taken> taken = new ArrayList<>();
  private final double[] spent; // by each hop, in seconds of CPU time

  /** With the distance between processors before and after it. */
  private record Taken(Sample sample, double nanosBefore, double nanosAfter) {}

  Take(Load load, LoadClient client, Duration time, Distance distance) {
    this.load = load;
    this.client = client;
    this.time = time;
    this.distance = distance;
    this.spent = new double[client.hops().hops().size()];
  }

  /** Takes one more, once processors are far from each other, if they soon are. */
  void sample() throws Exception {
    List<Double> before = client.hops().eachCpuSeconds();
    double nanosBefore = distance.awaitFar();
    Sample sample = load.run(client, time);
    taken.add(new Taken(sample, nanosBefore, distance.measure()));
    List<Double> after = client.hops().eachCpuSeconds();
    for (int hop = 0; hop < spent.length; hop++) {
      spent[hop] += after.get(hop) - before.get(hop);
    }
  }

  /** Those between processors that were far from each other, as far as is known by now. */
  List<Sample> far() {
    return where(one -> distance.isFar(one.nanosBefore) && distance.isFar(one.nanosAfter));
  }

  /** Those between processors that were near, before and after. */
  List<Sample> near() {
    return where(one -> !distance.isFar(one.nanosBefore) && !distance.isFar(one.nanosAfter));
  }

  List<Sample> all() {
    return where(_ -> true);
  }

  private List<Sample> where(Predicate<Taken> wanted) {
    return taken.stream().filter(wanted).map(Taken::sample).toList();
  }

  /** A hop that spent nothing was not on the way, and then nothing was measured. */
  void requireWork() throws IOException {
    for (int hop = 0; hop < spent.length; hop++) {
      if (!client.passesHopsBy() && spent[hop] <= 0) {
        throw new IOException(
            "hop " + hop + " of " + client.name() + " did no work for " + load.id());
      }
    }
  }
}
