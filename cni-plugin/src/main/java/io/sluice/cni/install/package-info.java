/**
 * How the CNI plugin gets onto a node and stays there: where the container runtime looks, the
 * network configuration that names the plugin, and keeping both right while others rewrite theirs.
 *
 * <p>Everything happens below a root directory, {@code /} on the node itself. Nothing here decides
 * about pods. Start reading at {@code CniInstaller}.
 */
@NullMarked
package io.sluice.cni.install;

import org.jspecify.annotations.NullMarked;
