package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.kernel.Mechanism;
import io.sluice.kernel.Traces;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PodUid;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Sandboxes that vanish, are attached twice, replace each other, and end without a word. */
@Order(23)
@Tag("kernel")
@ParameterizedClass
@EnumSource(
    value = Mechanism.class,
    names = {"EBPF", "IPTABLES"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SandboxLifeTest {
  private static final int VANISHING = 8;

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private CniSite site;
  private Silence silence;
  private DaemonProcess daemon;
  private PodUid uid;
  private List<String> empty;
  private List<String> whole;
  private int idleDescriptors;

  @BeforeParameterizedClassInvocation
  void observeAnUndisturbedPod() throws Exception {
    site = new CniSite(mechanism);
    silence = Silence.around(site);
    uid = site.register("pod");
    daemon = site.startDaemon();
    site.runtime.delete(site.add("pod", uid));
    empty = site.settledFootprint();
    idleDescriptors = daemon.descriptors();
    Container container = site.add("pod", uid);
    whole = Footprint.of(site, container);
    site.runtime.delete(container);
  }

  @AfterParameterizedClassInvocation
  void close() {
    try {
      silence.assertKept();
    } finally {
      silence.close();
      site.close();
    }
  }

  private void assertNothingIsLeft(Container... gone) {
    site.awaitFootprint(empty);
    for (Container container : gone) {
      site.awaitGone(container);
    }
    Await.until("no descriptor is left", () -> daemon.descriptors() <= idleDescriptors);
  }

  @Test
  void aNamespaceThatHasGoneBeforeOurTurnIsNamed() throws Exception {
    Container container = site.addWithoutOurs("pod", uid);
    site.runtime.removeNamespace(container);

    ContainerRuntime.PluginFailure failure =
        CniSite.failure(5, () -> site.runtime.callOurs("ADD", container, "eth0"));

    assertThat(failure.getMessage()).contains(container.network().path().toString());
    site.runtime.delete(container);
    assertNothingIsLeft(container);
  }

  @Test
  void aNamespaceThatGoesWhileItIsAttachedLeavesNothing() throws Exception {
    List<Container> all = new ArrayList<>();
    for (int i = 0; i < VANISHING; i++) {
      Container container = site.addWithoutOurs("pod", uid);
      all.add(container);
      CompletableFuture<Integer> answer = start(container);
      LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(40_000_000));
      site.runtime.removeNamespace(container);
      // 4: unmounted and not removed yet, its path leads to a file that is no namespace.
      assertThat(answer.get()).isIn(0, 4, 5, 11);
      if (i % 2 == 0) {
        site.runtime.detach(container); // the others end without a word
      }
    }

    assertNothingIsLeft(all.toArray(Container[]::new));
  }

  /** Code of the answer to our ADD, 0 for success, on another thread. */
  private CompletableFuture<Integer> start(Container container) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            site.runtime.callOurs("ADD", container, "eth0");
            return 0;
          } catch (ContainerRuntime.PluginFailure e) {
            return e.error().path("code").asInt();
          }
        },
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory()));
  }

  @Test
  void twoCallsForOneSandboxAtTheSameTimeAttachItOnce() throws Exception {
    Container container = site.addWithoutOurs("pod", uid);

    CompletableFuture<Integer> one = start(container);
    CompletableFuture<Integer> other = start(container);

    assertThat(one.get()).isZero();
    assertThat(other.get()).isZero();
    assertThat(site.enrolledCookie("pod")).isEqualTo(container.cookie());
    silence.sing(container.network());
    // The witness's end inside is no address, so the footprint is that of one pod.
    site.awaitFootprint(whole, container);
    site.runtime.delete(container);
    assertNothingIsLeft(container);
  }

  @Test
  void ofTwoSandboxesTheNewerCountsAlsoForTheNextDaemonWhichEndsWhatWentMeanwhile()
      throws Exception {
    PodUid third = site.register("third");
    Container told = site.addWithoutOurs("third", third);
    site.runtime.callOurs("ADD", told, "eth0");
    Container older = site.addWithoutOurs("pod", uid);
    Container newer = site.addWithoutOurs("pod", uid);
    site.runtime.callOurs("ADD", older, "eth0");
    site.runtime.callOurs("ADD", newer, "eth0");
    assertThat(site.enrolledCookie("pod")).isEqualTo(newer.cookie());
    singInBoth(older, newer);

    ContainerRuntime.PluginFailure failure =
        CniSite.failure(11, () -> site.runtime.callOurs("ADD", older, "eth0"));

    assertThat(failure.getMessage()).contains("replaced by " + newer.id());
    assertThat(site.enrolledCookie("pod")).isEqualTo(newer.cookie());
    daemon.kill();
    site.runtime.delete(told);
    daemon.start();
    assertThat(site.enrolledCookie("pod")).isEqualTo(newer.cookie());
    singInBoth(older, newer);
    site.awaitGone(told);
    site.site.registry().remove("pod-third");

    site.runtime.detach(older); // after the newer one was added
    // What connections rest on stays until the kernel has done with them.
    Await.until("nothing is left in it", () -> Traces.in(older.network()).isEmpty());
    site.awaitFootprint(whole, newer);
    site.runtime.removeNamespace(older);
    site.assertEnforced(newer, silence);
    site.runtime.delete(newer);
    assertNothingIsLeft(older, newer);
  }

  @Test
  void aSandboxHasTheAddressesItWasGivenWhileTheRegistryNamesThoseOfTheFormer() throws Exception {
    Container former = site.add("pod", uid);
    site.tellAddresses(former);
    Await.until("the daemon knows them", () -> addressesKnown().equals(former.addresses()));
    site.runtime.delete(former);

    Container next = site.add("pod", uid);

    assertThat(next.addresses()).doesNotContainAnyElementsOf(former.addresses());
    assertThat(addressesKnown()).isEqualTo(former.addresses());
    List<InetAddress> others = new ArrayList<>(former.addresses());
    others.add(site.stranger.at(Family.IPV4, 80).getAddress());
    for (InetAddress other : others) {
      Attempt decided = Attempt.from(next.network(), new InetSocketAddress(other, 80), "hi");
      assertThat(decided.wasReset()).as("%s", decided).isTrue();
    }
    site.register("pod");
    site.runtime.delete(next);
    assertNothingIsLeft(former, next);
  }

  /** As the registry names them. */
  private List<InetAddress> addressesKnown() {
    List<InetAddress> known = new ArrayList<>();
    for (JsonNode pod : daemon.view().pods()) {
      pod.path("addresses").forEach(text -> known.add(IpAddresses.parse(text.asText())));
    }
    return known;
  }

  private void singInBoth(Container older, Container newer) {
    silence.sing(older.network());
    silence.sing(newer.network());
    silence.assertKept();
  }

  @Test
  void twoSandboxesAtTheSameTimeAreNeverOpen() throws Exception {
    Container one = site.addWithoutOurs("pod", uid);
    Container other = site.addWithoutOurs("pod", uid);
    CompletableFuture<Integer> ofOne = start(one);
    CompletableFuture<Integer> ofOther = start(other);

    for (CompletableFuture<Integer> answer : List.of(ofOne, ofOther)) {
      assertThat(answer.get()).isIn(0, 11);
    }
    assertThat(site.enrolledCookie("pod")).isIn(one.cookie(), other.cookie());
    if (ofOne.get() == 0) {
      silence.sing(one.network());
    }
    if (ofOther.get() == 0) {
      silence.sing(other.network());
    }
    site.runtime.delete(one);
    site.runtime.delete(other);
    assertNothingIsLeft(one, other);
  }

  @Test
  void endingSucceedsForWhatWasNeverSeenAndWithoutANamespace() throws Exception {
    Container unseen = site.addWithoutOurs("pod", uid);
    site.runtime.delete(unseen);
    Container container = site.addWithoutOurs("pod", uid);
    site.runtime.callOurs("ADD", container, "eth0");

    site.runtime.endOursWithoutNamespace(container);

    Await.until("nothing is left", () -> Traces.in(container.network()).isEmpty());
    site.runtime.delete(container);
    assertNothingIsLeft(unseen, container);
  }

  /** Somebody takes away what intercepts the sandbox. */
  private void breakInterception(Container container) {
    if (mechanism.steers()) {
      Path pin = site.site.daemon().view().pins().pod(container.cookie()).resolve("link");
      try (BpfLink link = BpfLink.openPinned(pin)) {
        link.detach();
      }
    } else {
      Commands.run(
          "nsenter", "--net=" + container.network().path(), "iptables-nft", "-t", "nat", "-F");
    }
  }

  @Test
  void aCheckReportsWhatIsBrokenUntilItIsRepaired() throws Exception {
    Container container = site.add("pod", uid);
    site.runtime.check(container);

    // The daemon repairs it within a second, and may be faster than the call.
    Await.until(
        "a check fails",
        () -> {
          breakInterception(container);
          return codeOfCheck(container) == 100;
        });

    Await.until("it is repaired", () -> codeOfCheck(container) == 0);
    site.runtime.delete(container);
    site.awaitFootprint(empty);
  }

  private int codeOfCheck(Container container) {
    try {
      site.runtime.callOurs("CHECK", container, "eth0");
      return 0;
    } catch (ContainerRuntime.PluginFailure e) {
      return e.error().path("code").asInt();
    }
  }

  @Test
  void whatIsNotInTheListIsCollected() throws Exception {
    PodUid second = site.register("second");
    Container kept = site.addWithoutOurs("pod", uid);
    Container dropped = site.addWithoutOurs("second", second);
    site.runtime.callOurs("ADD", kept, "eth0");
    site.runtime.callOurs("ADD", dropped, "eth0");

    site.runtime.collectGarbage(kept, List.of(kept));

    Await.until("it is collected", () -> Traces.in(dropped.network()).isEmpty());
    site.awaitFootprint(whole, kept);
    site.runtime.delete(kept);
    site.runtime.delete(dropped);
    site.site.registry().remove("pod-second");
    assertNothingIsLeft(kept, dropped);
  }
}
