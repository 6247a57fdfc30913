package io.sluice.proxy.hbone;

import java.util.concurrent.CompletableFuture;

/** Sockets for connections to peers, made inside the network namespace of the calling pod. */
public interface HboneSockets {
  /**
   * Makes a TCP socket for the family of the key's destination: non-blocking, close-on-exec, not
   * connected. The pool owns the descriptor from the completion on, also when it is no longer
   * wanted. May complete on any thread, exceptionally too. Called on an event loop: must not block.
   */
  CompletableFuture<Integer> open(PoolKey key);
}
