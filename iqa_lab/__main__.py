"""``python -m iqa_lab`` is ``iqa-lab``."""

from iqa_lab.cli.main import main

if __name__ == "__main__":
    main()
