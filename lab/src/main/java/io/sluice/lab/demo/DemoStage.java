package io.sluice.lab.demo;

import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The demo's place on this machine: one demo of a name at a time, and nothing left afterwards. */
final class DemoStage {
  private final DemoPlan plan;
  private final DemoLeftovers leftovers;
  private @Nullable FileLock lock;

  DemoStage(DemoPlan plan) {
    this.plan = plan;
    this.leftovers = new DemoLeftovers(plan);
  }

  DemoPlan plan() {
    return plan;
  }

  /** What is there of the demo now. */
  List<String> present() {
    return leftovers.present();
  }

  /**
   * Takes the place and removes what a crashed demo has left. Throws {@link DemoException} when a
   * demo runs, or was kept, or when the name is somebody else's.
   */
  void enter() throws InterruptedException {
    refuseStrangers();
    takeLock();
    if (Files.exists(plan.keptMark()) && !leftovers.processes().isEmpty()) {
      throw new DemoException(
          "a demo was kept and still runs; end it with `./sluice demo --stop" + option() + "`");
    }
    leftovers.remove();
    takeLock();
  }

  private void takeLock() {
    releaseLock();
    try {
      Files.createDirectories(plan.directory());
      FileChannel file =
          FileChannel.open(plan.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      lock = file.tryLock();
      if (lock == null) {
        file.close();
        throw new DemoException(
            "another demo of node '" + plan.node() + "' is running; wait for its end");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + plan.lock(), e);
    }
  }

  private void releaseLock() {
    FileLock held = lock;
    lock = null;
    if (held != null) {
      try {
        held.acquiredBy().close();
      } catch (IOException e) {
        // The descriptor is gone, and with it the lock.
      }
    }
  }

  private void refuseStrangers() {
    List<Long> strangers = leftovers.strangers();
    if (!strangers.isEmpty()) {
      throw new DemoException(
          "process "
              + strangers.getFirst()
              + " is the daemon of a node '"
              + plan.node()
              + "' that is no demo; choose another name with --node-name");
    }
  }

  /** Removes everything; returns whether there was anything. */
  boolean clear() throws InterruptedException {
    refuseStrangers();
    boolean any = !leftovers.present().isEmpty();
    leftovers.remove();
    releaseLock();
    return any;
  }

  /**
   * Takes the node out of the mesh but leaves the namespaces, and tells which of them still have
   * rules: a pod outlives its membership.
   */
  List<String> rulesAfterCleanup() throws InterruptedException {
    return leftovers.rulesAfterCleanup();
  }

  /** Leaves daemon and namespaces, and starts servers that outlive this process. */
  void keep() {
    try {
      Files.writeString(plan.keptMark(), "");
      List<String> command = new ArrayList<>(JavaCommand.program(DemoCommand.class.getName()));
      command.addAll(List.of("demo", DemoCommand.SERVE, "--node-name", plan.node()));
      command.addAll(List.of("--nodes", Integer.toString(plan.nodes())));
      new ChildProgram("servers", SitePod.thisMachine(), plan.directory().resolve("servers.log"))
          .start(command);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start servers that stay", e);
    }
    releaseLock();
  }

  /** What has to be added to commands when the node has not the usual name. */
  String option() {
    return plan.node().equals("demo") ? "" : " --node-name " + plan.node();
  }
}
