package io.sluice.proxy.relay;

/**
 * What stands behind the far end of a {@link Pipe} and takes more than bytes from who knows its
 * kind. The pipe's ends tell each other of its end all the same.
 */
public interface DirectPeer {}
