package io.sluice.control;

import io.sluice.control.lease.WriterLease.LeaseState;
import java.util.List;

/**
 * How a controller stands among several of its cluster.
 *
 * @param lease who holds the Lease
 * @param problems what it cannot do as one of several, and what to do about it
 */
public record ReplicaState(LeaseState lease, List<String> problems) {
  public ReplicaState {
    problems = List.copyOf(problems);
  }
}
