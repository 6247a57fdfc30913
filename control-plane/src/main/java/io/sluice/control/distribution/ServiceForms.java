package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.distribution.Encodings.Form;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which services are told in full to those alone that may call them, and which to all. One thread.
 */
final class ServiceForms {
  private final Encodings encodings;
  private final CommonResources common;
  private final Map<NamespacedName, Told> told = new HashMap<>();
  private final SetIndex<InetAddress, NamespacedName> byEndpoint = new SetIndex<>();
  private final SetIndex<NamespacedName, NamespacedName> byAccount = new SetIndex<>();

  /**
   * How a service is told.
   *
   * @param endpoints addresses of all of them, on which the rest depends
   * @param accounts behind them, where only who may call them is told the whole; else none
   * @param resource the whole; null where it cannot be told
   */
  private record Told(
      Set<InetAddress> endpoints, Set<NamespacedName> accounts, @Nullable Resource resource) {
    static final Told NOT = new Told(Set.of(), Set.of(), null);
  }

  /**
   * What an update led to.
   *
   * @param services that are told otherwise now
   * @param accounts whose callers are concerned
   */
  record Retold(Set<NamespacedName> services, Set<NamespacedName> accounts) {}

  ServiceForms(Encodings encodings, CommonResources common) {
    this.encodings = encodings;
    this.common = common;
  }

  /** Services with an endpoint at one of the addresses. */
  Set<NamespacedName> at(Set<InetAddress> addresses) {
    Set<NamespacedName> names = new HashSet<>();
    addresses.forEach(address -> names.addAll(byEndpoint.get(address)));
    return names;
  }

  /** Services of which who may call these workloads is told the whole. */
  Set<NamespacedName> of(NamespacedName account) {
    return byAccount.get(account);
  }

  /** Accounts whose callers are told the whole of the service; none where all are, or nobody. */
  Set<NamespacedName> accountsOf(NamespacedName service) {
    return told.getOrDefault(service, Told.NOT).accounts();
  }

  /** Tells of these services what {@code after} says. */
  Retold update(MeshSnapshot after, Set<NamespacedName> names) {
    Set<NamespacedName> retold = new HashSet<>();
    Set<NamespacedName> concerned = new HashSet<>();
    for (NamespacedName name : names) {
      Told before = told.getOrDefault(name, Told.NOT);
      Told now =
          after.service(name).map(service -> tell(service, after)).orElseGet(() -> untell(name));
      byEndpoint.move(before.endpoints(), now.endpoints(), name);
      byAccount.move(before.accounts(), now.accounts(), name);
      if (now == Told.NOT) {
        told.remove(name);
      } else {
        told.put(name, now);
      }
      if (before.resource() != now.resource() || !before.accounts().equals(now.accounts())) {
        retold.add(name);
        concerned.addAll(before.accounts());
        concerned.addAll(now.accounts());
      }
    }
    return new Retold(retold, concerned);
  }

  private Told tell(Service service, MeshSnapshot snapshot) {
    ResourceKey key = Kind.SERVICE.key(service.name());
    Resource full = encodings.putWhole(service);
    Optional<Service> less =
        snapshot.settings().permissive()
            ? Optional.empty()
            : Reduction.notCallable(service, snapshot).filter(other -> !other.equals(service));
    if (less.isPresent() && full != null) {
      common.tellReduced(less.get());
      return new Told(endpoints(service), Reduction.accounts(service, snapshot), full);
    }
    encodings.forget(Form.REDUCED, key);
    common.tell(key, full);
    return new Told(endpoints(service), Set.of(), full);
  }

  private Told untell(NamespacedName name) {
    ResourceKey key = Kind.SERVICE.key(name);
    encodings.removeWhole(key);
    encodings.forget(Form.REDUCED, key);
    common.tell(key, null);
    return Told.NOT;
  }

  private static Set<InetAddress> endpoints(Service service) {
    Set<InetAddress> addresses = new HashSet<>();
    for (ServicePort port : service.ports()) {
      for (Endpoint endpoint : port.endpoints()) {
        addresses.add(endpoint.address().getAddress());
      }
    }
    return addresses;
  }
}
