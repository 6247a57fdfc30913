package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * What came of all checks.
 *
 * @param looked how many could look
 * @param found worst first
 * @param notLooked subjects that were not there, and why
 * @param failed checks that failed themselves or took too long
 */
record CheckRun(int looked, List<Found> found, List<Unlooked> notLooked, List<Unlooked> failed) {
  private static final Set<String> CONTROL_PLANE =
      Set.of(
          "API server",
          "controller",
          "nodes of the controller",
          "replica",
          "roots of the controller",
          "roots in the cluster",
          "definitions",
          "the mesh's workloads",
          "the mesh's pods",
          "bindings",
          "webhooks");

  CheckRun {
    found = List.copyOf(found);
    notLooked = List.copyOf(notLooked);
    failed = List.copyOf(failed);
  }

  /** A check that says nothing of its subject. */
  record Unlooked(String subject, String why) {}

  /** Every check there is. */
  static List<Check> checks() {
    List<Check> all = new ArrayList<>();
    all.addAll(KernelChecks.all());
    all.addAll(ResourceChecks.all());
    all.addAll(DaemonChecks.all());
    all.addAll(StatusChecks.all());
    all.addAll(PolicyChecks.all());
    all.addAll(ServiceChecks.all());
    all.addAll(IdentityChecks.all());
    all.addAll(ControlChecks.all());
    all.addAll(NeighbourChecks.all());
    all.addAll(ClusterChecks.all());
    all.addAll(CniChecks.all());
    all.addAll(NetworkChecks.all());
    return all;
  }

  /** Those of the control plane: its pods, webhooks, certificates and who follows it. */
  static List<Check> ofControlPlane() {
    return checks().stream().filter(check -> CONTROL_PLANE.contains(check.subject())).toList();
  }

  /**
   * Runs them one after another, each on a thread of its own: one that hangs is left behind.
   *
   * @param progress told of each subject before it is looked at
   */
  static CheckRun of(List<Check> checks, Facts facts, Duration most, Consumer<String> progress) {
    TreeSet<Found> found = new TreeSet<>();
    List<Unlooked> notLooked = new ArrayList<>();
    List<Unlooked> failed = new ArrayList<>();
    int looked = 0;
    for (Check check : checks) {
      progress.accept(check.subject());
      List<Found> own = Collections.synchronizedList(new ArrayList<>());
      FutureTask<Void> task =
          new FutureTask<>(() -> {
            check
                .look()
                .at(facts, (code, subject, seen) -> own.add(new Found(code, subject, seen)));
            return null;
          });
      Thread thread = Thread.ofPlatform().daemon().name("sluice-check").start(task);
      try {
        task.get(most.toMillis(), TimeUnit.MILLISECONDS);
        looked++;
      } catch (TimeoutException e) {
        thread.interrupt();
        failed.add(new Unlooked(check.subject(), "it took longer than " + most.toSeconds() + " s"));
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        String why = String.valueOf(cause.getMessage());
        if (cause instanceof NotThereException) {
          notLooked.add(new Unlooked(check.subject(), why));
        } else {
          failed.add(new Unlooked(check.subject(), cause.getClass().getSimpleName() + ": " + why));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        failed.add(new Unlooked(check.subject(), "it was interrupted"));
        break;
      }
      synchronized (own) {
        found.addAll(own);
      }
    }
    return new CheckRun(looked, List.copyOf(found), notLooked, failed);
  }

  long count(Severity severity) {
    return found.stream().filter(one -> one.code().severity() == severity).count();
  }
}
