package io.sluice.node.cni;

import io.sluice.cni.protocol.CniRequest.PodReference;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * Starts pods in the place of others that the node knows, while nobody is there who would tell of
 * them. Any thread; may read small files.
 */
public interface PodReplacement {
  /**
   * Has the pod told as one that takes the place of another: it is in the next snapshot.
   *
   * @param addresses what the plugins before ours gave it
   * @return why not; empty when it does
   */
  Optional<String> replace(PodReference pod, List<InetAddress> addresses);

  /** A sandbox of the pod has gone, or was never made; where no UID is said, of any of its name. */
  void left(PodReference pod);
}
