//! Rewriting what is stored in an older version: the group `storagemigration.k8s.io`.

mod storage_version_migration;
