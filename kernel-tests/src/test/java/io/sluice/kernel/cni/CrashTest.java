package io.sluice.kernel.cni;

import io.sluice.kernel.LongRun;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.mesh.PodUid;
import io.sluice.node.fault.FaultPoint;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The daemon dies in the middle of a call, at every point where what is left differs: afterwards a
 * pod is in force as if nothing had happened, and nothing of the sandbox that failed is left.
 */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Order(8)
@Tag("kernel")
class CrashTest {
  private static final String POD = "pod-0";

  @Nested
  @Tag("kernel")
  class UnderEbpf extends Contract {
    UnderEbpf() {
      super(Mechanism.EBPF, FaultPoint.POD_PREPARED);
    }

    @ParameterizedTest
    @EnumSource(
        value = FaultPoint.class,
        names = {"SANDBOX_RECORDED", "POD_ACTIVE", "CALL_ANSWERED"})
    void theSameAddIsRepeatedAfterADeath(FaultPoint point) throws Exception {
      Container failed = failToAdd(point);
      daemon.start();

      site.runtime.callOurs("ADD", failed, "eth0");

      assertUndisturbed(failed);
      deleteAndAssertNothingIsLeft(failed);
    }

    @Tag("long")
    @ParameterizedTest
    @EnumSource(
        value = FaultPoint.class,
        names = {"CALL_RECEIVED", "POD_PREPARED", "SANDBOX_ATTACHED"})
    void theSameAddIsRepeatedAfterADeathElsewhere(FaultPoint point) throws Exception {
      theSameAddIsRepeatedAfterADeath(point);
    }

    @ParameterizedTest
    @EnumSource(value = FaultPoint.class, names = "SANDBOX_FORGOTTEN")
    void aSandboxEndsWhileTheDaemonDies(FaultPoint point) throws Exception {
      Container container = addThenDieAtItsEnd(point);

      site.runtime.delete(container);

      Await.until("the daemon died", () -> !daemon.isAlive()); // its socket goes before it does
      daemon.start();
      assertNothingIsLeft(container);
    }

    @Tag("long")
    @ParameterizedTest
    @EnumSource(
        value = FaultPoint.class,
        names = {"CALL_RECEIVED", "POD_RELEASED", "CALL_ANSWERED"})
    void aSandboxEndsWhileTheDaemonDiesElsewhere(FaultPoint point) throws Exception {
      aSandboxEndsWhileTheDaemonDies(point);
    }
  }

  @Nested
  @Tag("kernel")
  class UnderIptables extends Contract {
    UnderIptables() {
      super(Mechanism.IPTABLES, FaultPoint.SANDBOX_ATTACHED);
    }

    @ParameterizedTest
    @EnumSource(
        value = FaultPoint.class,
        names = {"CALL_RECEIVED", "POD_RELEASED"})
    void theEndOfASandboxIsRepeatedAfterADeath(FaultPoint point) throws Exception {
      Container container = addThenDieAtItsEnd(point);

      site.runtime.callOurs("DEL", container, "eth0");

      daemon.awaitEnd();
      daemon.start();
      deleteAndAssertNothingIsLeft(container);
    }

    @Tag("long")
    @ParameterizedTest
    @EnumSource(
        value = FaultPoint.class,
        names = {"SANDBOX_FORGOTTEN", "CALL_ANSWERED"})
    void theEndOfASandboxIsRepeatedAfterADeathElsewhere(FaultPoint point) throws Exception {
      theEndOfASandboxIsRepeatedAfterADeath(point);
    }
  }

  /** What each mechanism has to do; the rest is shared between the two. */
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class Contract {
    private final Mechanism mechanism;
    private final FaultPoint pointOfNewSandbox;
    CniSite site;
    private Silence silence;
    DaemonProcess daemon;
    PodUid uid;
    private List<String> empty;
    private List<String> whole;
    private int idleDescriptors;

    Contract(Mechanism mechanism, FaultPoint pointOfNewSandbox) {
      this.mechanism = mechanism;
      this.pointOfNewSandbox = pointOfNewSandbox;
    }

    @BeforeAll
    void observeAnUndisturbedPod(CniSites sites) throws Exception {
      site = sites.of(mechanism);
      silence = Silence.around(site);
      uid = site.register(POD);
      daemon = site.site.daemon();
      site.runtime.delete(site.add(POD, uid)); // what is opened once and for all is open now
      empty = site.settledFootprint();
      idleDescriptors = daemon.descriptors();
      Container container = site.add(POD, uid);
      whole = Footprint.of(site, container);
      site.runtime.delete(container);
    }

    @AfterAll
    void close() {
      silence.close();
      site.site.registry().remove("pod-" + POD);
    }

    Stream<FaultPoint> pointsOfNewSandboxes() {
      return LongRun.ON
          ? Stream.concat(
              EnumSet.range(FaultPoint.CALL_RECEIVED, FaultPoint.SANDBOX_ATTACHED).stream(),
              Stream.of(FaultPoint.CALL_ANSWERED))
          : Stream.of(pointOfNewSandbox);
    }

    @ParameterizedTest
    @MethodSource("pointsOfNewSandboxes")
    void aNewSandboxIsMadeAfterADeathInTheAddOfTheFormerOne(FaultPoint point) throws Exception {
      Container failed = failToAdd(point);
      site.runtime.delete(failed); // nobody hears of it
      daemon.start();

      Container container = site.add(POD, uid);

      assertUndisturbed(container);
      site.awaitGone(failed);
      deleteAndAssertNothingIsLeft(container);
    }

    /** Each case leaves a daemon to the next one, unless it failed. */
    private void awaitDaemon() {
      if (!daemon.isAlive()) {
        daemon.start();
      }
    }

    Container addThenDieAtItsEnd(FaultPoint point) throws Exception {
      awaitDaemon();
      Container container = site.add(POD, uid);
      site.runtime.watch(container);
      daemon.letDieAt(point);
      return container;
    }

    Container failToAdd(FaultPoint point) throws Exception {
      awaitDaemon();
      daemon.letDieAt(point);
      Container sandbox = site.runtime.create("shop", POD, uid.text());
      site.runtime.watch(sandbox);
      ContainerRuntime.PluginFailure failure =
          CniSite.failure(11, () -> site.runtime.attach(sandbox));
      daemon.awaitEnd();
      return sandbox.having(failure.previous());
    }

    void assertUndisturbed(Container container) throws Exception {
      site.awaitFootprint(whole, container);
      site.assertEnforced(container, silence);
      silence.assertKept();
    }

    void deleteAndAssertNothingIsLeft(Container container) {
      site.runtime.delete(container);
      assertNothingIsLeft(container);
    }

    void assertNothingIsLeft(Container container) {
      site.awaitFootprint(empty);
      site.awaitGone(container);
      Await.until(
          "no descriptor is left: " + idleDescriptors,
          () -> daemon.descriptors() <= idleDescriptors);
    }
  }
}
