package io.sluice.node;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.handover.HandOverException;
import io.sluice.node.handover.HandOverServer.Estate;
import io.sluice.node.handover.HandOverServer.HandedListener;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import io.sluice.proxy.accept.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a daemon leaves its place to the next one: it ends whatever only one daemon may do, and goes
 * on with the connections that it has. Nothing in the kernel changes. Any thread.
 */
final class Leaving {
  private static final System.Logger LOG = System.getLogger(Leaving.class.getName());

  private final String nodeName;
  private final Parts parts;
  private final Enrolment pods;
  private final String interception;
  private final Proxy proxy;
  private final Optional<NodeIdentities> identities;
  private final NodePlace place;
  private boolean ending; // guarded by this
  private boolean left; // guarded by this

  Leaving(
      String nodeName,
      Parts parts,
      Enrolment pods,
      String interception,
      Proxy proxy,
      Optional<NodeIdentities> identities,
      NodePlace place) {
    this.nodeName = nodeName;
    this.parts = parts;
    this.pods = pods;
    this.interception = interception;
    this.proxy = proxy;
    this.identities = identities;
    this.place = place;
  }

  /**
   * Leaves, once; what is returned keeps the listeners open. They are accepted on until it is told
   * to stop.
   *
   * @throws HandOverException when the daemon ends already
   */
  synchronized Estate leave() {
    if (ending || left) {
      throw new HandOverException("it is ending");
    }
    left = true;
    try {
      boolean _ = pods.stop(); // what it still does concerns one pod, and ends by itself
      parts.closeSingle();
      var credentials = identities.map(NodeIdentities::leave).orElse(List.of());
      List<HandedListener> listeners = listeners(proxy.shareListeners(Sockets::duplicate));
      Estate estate =
          new Estate(
              listeners, credentials, interception, proxy::remembered, proxy::leaveListeners);
      LOG.log(System.Logger.Level.INFO, "place_left what=\"{0}\"", estate);
      return estate;
    } finally {
      place.close(); // also where it failed half way: then nobody has the place, and this one ends
    }
  }

  /** Lets it happen no more, for the daemon ends; returns whether it has happened. */
  synchronized boolean end() {
    ending = true;
    return left;
  }

  /** Whether the place was left to a daemon that has ended meanwhile, and to nobody after it. */
  synchronized boolean isForsaken() {
    return left && NodePlace.isVacant(nodeName);
  }

  private List<HandedListener> listeners(List<PodListeners> handed) {
    Map<NamespacedName, Long> cookies = new HashMap<>();
    for (PodStatus pod : pods.statuses()) {
      cookies.put(pod.name(), pod.netnsCookie());
    }
    List<HandedListener> listeners = new ArrayList<>();
    for (PodListeners pod : handed) {
      for (ListenerFd one : pod.listeners()) {
        long cookie = cookies.getOrDefault(pod.pod(), 0L); // of no pod: nobody takes it
        listeners.add(new HandedListener(cookie, one.direction(), one.fd()));
      }
    }
    return listeners;
  }
}
