package io.sluice.node.placement;

import io.sluice.linux.netns.NetnsHandle;
import java.nio.file.Path;

/**
 * A pod's open network namespace; whoever receives it closes it.
 *
 * @param path where it was opened; may lead elsewhere later
 * @param netns the namespace
 */
public record FoundNamespace(Path path, NetnsHandle netns) {}
