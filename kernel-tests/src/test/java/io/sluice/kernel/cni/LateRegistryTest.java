package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.kernel.Traces;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.mesh.PodUid;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The runtime is faster than the registry, or the registry never tells, or says no. */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class LateRegistryTest {
  private static final Duration LATE = Duration.ofSeconds(1);

  private final CniSite site;
  private final List<String> empty;

  LateRegistryTest(CniSites sites) {
    site = sites.of(Mechanism.EBPF);
    empty = site.settledFootprint();
  }

  @AfterEach
  void forgetPods() {
    List.of("pod-late", "pod-known", "pod-free").forEach(site.site.registry()::remove);
  }

  @Test
  void aPodThatTheRegistryTellsOfLaterIsWaitedFor() throws Exception {
    Executor later = CompletableFuture.delayedExecutor(LATE.toMillis(), TimeUnit.MILLISECONDS);
    PodUid uid = CniSite.uidOf("late");
    long begin = System.nanoTime();
    CompletableFuture<Void> told = CompletableFuture.runAsync(() -> site.register("late"), later);

    Container container = site.add("late", uid);

    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(LATE);
    told.join();
    assertThat(site.enrolledCookie("late")).isEqualTo(container.cookie());
    site.runtime.delete(container);
    site.awaitFootprint(empty);
  }

  @Test
  void aPodThatTheRegistryNeverTellsOfIsRefusedInTimeAndKeepsNobodyOut() throws Exception {
    Container unknown = site.addWithoutOurs("unknown", CniSite.uidOf("unknown"));
    PodUid known = site.register("known");
    long begin = System.nanoTime();
    List<CompletableFuture<ContainerRuntime.PluginFailure>> waiting =
        List.of(refusal(unknown), refusal(unknown));

    Container other = site.add("known", known); // meanwhile

    assertThat(waiting).noneMatch(CompletableFuture::isDone);
    for (CompletableFuture<ContainerRuntime.PluginFailure> refusal : waiting) {
      assertThat(refusal.join().getMessage()).contains("shop/unknown").contains("does not know");
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Await.patience(11));
    site.runtime.delete(unknown);
    site.runtime.delete(other);
    site.awaitFootprint(empty);
    site.awaitGone(unknown);
  }

  private CompletableFuture<ContainerRuntime.PluginFailure> refusal(Container container) {
    return CompletableFuture.supplyAsync(
        () -> CniSite.failure(11, () -> site.runtime.callOurs("ADD", container, "eth0")),
        task -> Thread.ofPlatform().start(task));
  }

  @Test
  void aPodThatWasOptedOutStartsUntouched() throws Exception {
    PodUid uid = CniSite.uidOf("free");
    site.site
        .registry()
        .write(
            "pod-free",
            Manifests.startingPod("free", uid)
                .replace("labels: {", "labels: {sluice.io/mesh: disabled, "));
    Container sandbox = site.addWithoutOurs("free", uid);

    site.runtime.callOurs("ADD", sandbox, "eth0");

    assertThat(Traces.in(sandbox.network())).isEmpty();
    assertThat(Footprint.of(site)).containsExactlyElementsOf(empty);
    site.runtime.delete(sandbox);
    site.awaitGone(sandbox);
  }
}
