package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.PodListeners;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On ordinary files, which no daemon may take for maps: as where bpf(2) is refused. */
class FormerMechanismTest {
  private static final long CART = 42;
  private static final long GONE = 43;

  private final NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  @AutoClose private final NetnsHandle netns = namespaces.current();
  @AutoClose private final NetnsThread thread = new NetnsThread("test-netns", namespaces, 1);
  @TempDir private Path directory;

  @Test
  void saysWhatIsMissingUntilThePresentMechanismIsAloneInEveryEnrolledPod() throws IOException {
    PinDirectory pins = new PinDirectory(directory.resolve("node").resolve("v3"));
    pins.create();
    pins.createPod(CART);
    pins.createPod(GONE);
    Files.writeString(pins.map("pods"), "no map");
    FormerMechanism former = former(pins);

    assertThat(former.meets(CART)).isTrue();
    assertThat(former.missing()).isEmpty();
    former.replacedIn(cart());

    assertThat(former.missing().orElseThrow()).contains("beside iptables in shop/cart;");
    former.settle();
    assertThat(former.holds(CART)).as("a pod that is not enrolled needs its hooks").isTrue();
    assertThat(former.missing()).isPresent();

    pins.removePod(GONE);
    former.settle();

    assertThat(former.missing()).isEmpty();
    assertThat(former.holds(CART)).isFalse();
    assertThat(pins.existsInAnySchema()).isFalse();
  }

  @Test
  void knowsNothingOfPodsThatNoOtherMechanismHas() {
    FormerMechanism former = former(new PinDirectory(directory.resolve("node").resolve("v3")));

    assertThat(former.meets(CART)).isFalse();
    former.replacedIn(cart());

    assertThat(former.missing()).isEmpty();
  }

  private FormerMechanism former(PinDirectory pins) {
    return new FormerMechanism(
        new Rules(),
        new InheritedListeners(),
        new FormerPrograms(pins, namespaces, NamespaceSearch.NOWHERE),
        new FormerRules(
            directory.resolve("records"),
            namespaces,
            thread,
            NamespaceSearch.NOWHERE,
            Duration.ZERO),
        Duration.ofMinutes(1));
  }

  private PodPlacement cart() {
    PodNetwork network =
        new PodNetwork(
            List.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), 0, false, 0,
            Set.of());
    return new PodPlacement(
        new NamespacedName("shop", "cart"),
        Path.of("cart"),
        netns,
        CART,
        network,
        InterceptionSettings.EVERYTHING,
        false,
        Set.of(),
        DatagramGrants.NONE);
  }

  /** Rules that are in force already. */
  private static final class Rules implements Interception {
    @Override
    public Mechanism mechanism() {
      return Mechanism.IPTABLES;
    }

    @Override
    public SocketFacts sockets() {
      return new IptablesSocketFacts(false, _ -> false);
    }

    @Override
    public List<Long> leftBehind() {
      return List.of();
    }

    @Override
    public boolean wasInForce(long cookie) {
      return false;
    }

    @Override
    public Optional<NamespacedName> nameOf(long cookie) {
      return Optional.empty();
    }

    @Override
    public PodListeners prepare(PodPlacement pod) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void activate(PodPlacement pod) {}

    @Override
    public void update(PodPlacement pod) {}

    @Override
    public void abandon(long cookie) {}

    @Override
    public void release(long cookie) {}

    @Override
    public List<VerdictCount> verdicts() {
      return List.of();
    }

    @Override
    public Optional<String> problem(PodPlacement pod) {
      return Optional.empty();
    }

    @Override
    public void repair(PodPlacement pod, Consumer<PodListeners> serve) {}

    @Override
    public void close() {}
  }
}
