package io.sluice.scenario;

import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.SitePod;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A folder, with one file for all that a scenario has: so a change is seen whole. */
record FolderScenarios(RegistryFolder folder) implements ScenarioRegistry {
  @Override
  public List<String> arguments() {
    return ControlProcess.folder(folder.directory());
  }

  @Override
  public void add(SitePod pod, String yaml) {
    folder.write("pod-" + pod.name(), yaml);
  }

  @Override
  public boolean put(Map<String, String> files) {
    int changes = folder.changes();
    folder.write("scenario", String.join("---\n", new TreeMap<>(files).values()));
    return folder.changes() != changes;
  }

  @Override
  public boolean isSeenWhole() {
    return true;
  }
}
