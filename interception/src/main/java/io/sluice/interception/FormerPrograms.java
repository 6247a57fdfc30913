package io.sluice.interception;

import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.PodValue;
import io.sluice.interception.maps.SocketStateValue;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.SocketStorage;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.PodListeners;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Programs and maps that a daemon in eBPF mode left pinned. A daemon that is being replaced still
 * has descriptors of the links, so that removing a pin ends nothing: they are detached first.
 */
public final class FormerPrograms {
  private static final System.Logger LOG = System.getLogger(FormerPrograms.class.getName());

  private final BpfKernel kernel;
  private final PinDirectory pins;
  private final NetworkNamespaces namespaces;
  private final NamespaceSearch everywhere;

  /**
   * Changes nothing yet.
   *
   * @param pins those of the present schema
   * @param everywhere where namespaces of their pods are searched
   */
  public FormerPrograms(
      PinDirectory pins, NetworkNamespaces namespaces, NamespaceSearch everywhere) {
    this(BpfKernel.LINUX, pins, namespaces, everywhere);
  }

  FormerPrograms(
      BpfKernel kernel,
      PinDirectory pins,
      NetworkNamespaces namespaces,
      NamespaceSearch everywhere) {
    this.kernel = kernel;
    this.pins = pins;
    this.namespaces = namespaces;
    this.everywhere = everywhere;
  }

  /** Whether any are left, of any schema. */
  boolean exist() {
    return pins.existsInAnySchema();
  }

  boolean hasOtherSchemas() {
    return !pins.otherSchemas().isEmpty();
  }

  /** Whether they take the pod's traffic; those of another schema may take everybody's. */
  boolean hold(long cookie) {
    return Files.isDirectory(pins.pod(cookie)) || hasOtherSchemas();
  }

  /**
   * Whether they took all of it: an entry is what a pod gets last. Of another schema only pins can
   * be read.
   */
  boolean wereInForce(long cookie) {
    if (pins.otherSchemas().stream().anyMatch(one -> Files.isDirectory(one.pod(cookie)))) {
      return true;
    }
    Path pin = pins.map("pods");
    if (!Files.exists(pin)) {
      return false;
    }
    try (BpfMapFd map = kernel.openMap(pin)) {
      return new BpfMap<>(map, PodKey.CODEC, PodValue.CODEC).lookup(new PodKey(cookie)).isPresent();
    } catch (LinuxException e) {
      return Files.isDirectory(pins.pod(cookie)); // it may not read maps
    }
  }

  /** The same where a program took what arrives too. */
  boolean steered(long cookie) {
    return Files.exists(pins.pod(cookie).resolve("link")) && wereInForce(cookie);
  }

  /** Whether there are some, and those of all pods with pins are among {@code cookies}. */
  boolean areOnlyOf(Set<Long> cookies) {
    return exist()
        && pins.allSchemas().allMatch(schema -> cookies.containsAll(schema.podCookies()));
  }

  /** What the hooks write down about sockets, where this daemon may read it. */
  Optional<SocketFacts> facts() {
    return storage().map(EbpfSocketFacts::new);
  }

  /** Its map stays open as long as this process runs: sockets are asked about at any time. */
  private Optional<SocketStorage<SocketStateValue>> storage() {
    Path pin = pins.map("sockets");
    if (!Files.exists(pin)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new SocketStorage<>(kernel.openMap(pin), SocketStateValue.CODEC));
    } catch (LinuxException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "former_sockets_not_read problem={0}; what waits in their listeners is refused",
          e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * Lets the outbound listeners of rules take what a hook has sent on its way just before it went:
   * without steering that arrives there, and the hooks then note where it was going.
   */
  void mark(PodPlacement pod, PodListeners listeners) {
    Path pin = pins.map("sockets");
    if (!Files.exists(pin)) {
      return;
    }
    try (BpfMapFd map = kernel.openMap(pin)) {
      SocketStorage<SocketStateValue> sockets = new SocketStorage<>(map, SocketStateValue.CODEC);
      listeners.listeners().stream()
          .filter(listener -> listener.direction() == Direction.OUTBOUND)
          .forEach(listener ->
              sockets.put(
                  listener.fd(),
                  new SocketStateValue(
                      pod.cookie(),
                      null,
                      SocketStateValue.ROLE_LISTENER,
                      0,
                      listener.direction())));
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "listeners_not_marked pod=" + pod.name(), e);
    }
  }

  /** Lets nothing more past the proxy: rules in the pod called would take it for a stranger's. */
  void revokeGrants() {
    Path pin = pins.map("fast_path");
    if (Files.exists(pin)) {
      try (BpfMapFd map = kernel.openMap(pin)) {
        BpfMap<GrantKey, GrantValue> grants = new BpfMap<>(map, GrantKey.CODEC, GrantValue.CODEC);
        grants.snapshot().keySet().forEach(grants::remove);
      } catch (LinuxException e) {
        LOG.log(System.Logger.Level.DEBUG, "grants_not_revoked", e); // it may not change maps
      }
    }
  }

  /**
   * Takes one pod out: outbound first, so that what is on its way is steered still.
   *
   * @throws LinuxException when this daemon may not change maps; then nothing has changed, and the
   *     pod is free of them after {@link #removeAll} only
   */
  void lift(PodPlacement pod) {
    long cookie = pod.cookie();
    Path pods = pins.map("pods");
    if (Files.exists(pods)) {
      try (BpfMapFd map = kernel.openMap(pods)) {
        new BpfMap<>(map, PodKey.CODEC, PodValue.CODEC).remove(new PodKey(cookie));
      }
    }
    PodSteering.detach(kernel, pins.pod(cookie));
    pins.removePod(cookie);
    try (ForwardingPods forwarding = new ForwardingPods(namespaces, everywhere)) {
      forwarding.allow(pod);
    }
  }

  /** The last connection that hooks have led to a pod's loopback range is over. */
  void gather(long cookie) {
    try (SpreadPods spread = new SpreadPods(namespaces, everywhere, pins::isHeldByAnother)) {
      spread.gather(cookie);
    }
  }

  /** Removes the pins of all schemas, and what programs cannot do and is in the pods. */
  public void removeAll() {
    removeAll(Set.of());
  }

  /** The same, but for the loopback ranges of these pods, which {@link #gather} takes away. */
  void removeAll(Set<Long> connected) {
    pins.allSchemas().forEach(schema -> end(schema, connected));
    pins.removeAll();
  }

  /** By now each holds only pods that are not wanted any more. */
  void removeOtherSchemas() {
    for (PinDirectory former : pins.otherSchemas()) {
      end(former, Set.of());
      former.removeSchema();
      LOG.log(
          System.Logger.Level.INFO,
          "former_mechanism_removed mode=ebpf schema={0}",
          former.path().getFileName());
    }
  }

  private void end(PinDirectory schema, Set<Long> connected) {
    List<Long> cookies = schema.podCookies();
    allowForwarding(cookies);
    Path hooks = schema.link("any").resolveSibling("");
    if (Files.isDirectory(hooks)) {
      try (Stream<Path> links = Files.list(hooks)) {
        links.toList().forEach(pin -> detach(kernel, pin));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + hooks, e);
      }
    }
    cookies.forEach(cookie -> PodSteering.detach(kernel, schema.pod(cookie)));
    cookies.stream().filter(cookie -> !connected.contains(cookie)).forEach(this::gather);
  }

  /** Where this daemon may not, the program ends with the last descriptor. */
  static void detach(BpfKernel kernel, Path pin) {
    try (BpfLink link = kernel.openLink(pin)) {
      link.detach();
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "link_not_detached pin=" + pin, e);
    }
  }

  private void allowForwarding(List<Long> cookies) {
    try (ForwardingPods pods = new ForwardingPods(namespaces, everywhere)) {
      cookies.stream().filter(cookie -> !pins.isHeldByAnother(cookie)).forEach(pods::allow);
    }
  }
}
