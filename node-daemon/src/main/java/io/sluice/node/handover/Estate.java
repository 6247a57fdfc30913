package io.sluice.node.handover;

import io.sluice.linux.socket.Sockets;
import io.sluice.node.identity.x509.Credential;
import java.util.List;

/**
 * What a daemon leaves to the next one. While it is open nothing is refused: connections that
 * nobody accepts wait in the listeners' queues.
 *
 * @param listeners of every pod that is served
 * @param credentials of the pods' identities, with their keys
 * @param interception names all by which accepted connections are understood
 * @param stopAccepting returns when nothing is accepted any more, after a second at most; may be
 *     run again
 */
public record Estate(
    List<HandedListener> listeners,
    List<Credential> credentials,
    String interception,
    Runnable stopAccepting)
    implements AutoCloseable {
  public Estate {
    listeners = List.copyOf(listeners);
    credentials = List.copyOf(credentials);
  }

  /** Closes this process's descriptors; those that were passed on are the other's. */
  @Override
  public void close() {
    listeners.forEach(one -> Sockets.close(one.fd()));
  }

  /** Says how much, and no key. */
  @Override
  public String toString() {
    return listeners.size() + " listeners and " + credentials.size() + " certificates";
  }
}
