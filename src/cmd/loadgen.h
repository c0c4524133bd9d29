#pragma once

int cmd_loadgen(int argc, char **argv); /* see --help */
