package io.sluice.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** One load on one path, again and again. For one thread. */
final class Turn {
  private final Load load;
  private final LoadClient client;
  private final Distance distance;
  private final List<Taken> taken = new ArrayList<>();
  private final double[] spent; // by each hop, in seconds of CPU time

  /** Between processors that were as far from each other as that, before and after it. */
  private record Taken(Sample sample, double nanosBefore, double nanosAfter) {}

  Turn(Load load, LoadClient client, Distance distance) throws IOException {
    this.load = load;
    this.client = client;
    this.distance = distance;
    this.spent = new double[client.hops().eachCpuSeconds().size()];
  }

  /** Takes one sample. */
  void take(Duration time) throws Exception {
    List<Double> before = client.hops().eachCpuSeconds();
    double nanosBefore = distance.measure();
    Sample sample = load.run(client, time);
    taken.add(new Taken(sample, nanosBefore, distance.measure()));
    List<Double> after = client.hops().eachCpuSeconds();
    for (int hop = 0; hop < spent.length; hop++) {
      spent[hop] += after.get(hop) - before.get(hop);
    }
  }

  /** What was taken between processors that were as far from each other as they get; as of now. */
  List<Sample> far() {
    return where(one -> distance.isLongest(one.nanosBefore) && distance.isLongest(one.nanosAfter));
  }

  /** What was taken while they were nearer all the time. */
  List<Sample> near() {
    return where(
        one -> !distance.isLongest(one.nanosBefore) && !distance.isLongest(one.nanosAfter));
  }

  /** The same and the rest. */
  List<Sample> all() {
    return where(one -> true);
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
