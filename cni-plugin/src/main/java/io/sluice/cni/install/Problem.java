package io.sluice.cni.install;

import java.nio.file.Path;

/**
 * Something on the node that is not as it should be.
 *
 * @param path the file or directory, as the node names it
 * @param text what is wrong and what to do
 */
public record Problem(Path path, String text) {
  @Override
  public String toString() {
    return path + ": " + text;
  }
}
